"""The commands that change what is sealed already, and the keys it is sealed for."""
