"""The history of an address: captures that web archives hold."""
