"""Reading front pages: their teasers."""
