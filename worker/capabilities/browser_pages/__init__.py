"""Pages read by a browser: the closed room, its proxy, and the page as a reader sees it."""
