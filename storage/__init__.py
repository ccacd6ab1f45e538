"""What is kept, how it is proven and how it is read; knows nothing of how texts come in."""
