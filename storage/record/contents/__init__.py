"""What bytes contain: unpacked parts, their texts in every spelling, and phrases found in them."""
