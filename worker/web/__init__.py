"""HTTP requests to servers: polite, safe, and with every answer stored."""
