"""What is wrong, and what cures it: of one object, and of everything that sealing stands on."""
