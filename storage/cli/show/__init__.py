"""How one article, one comparison and one relation are written to be read."""
