"""PURE: whether two texts are copies or one follows the other, and how they find each other."""
