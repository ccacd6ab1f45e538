"""The pictures of articles: request, decode, compare and store them."""
