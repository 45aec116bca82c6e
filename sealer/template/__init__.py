"""Go text/template with sprig's functions, pure and bounded."""
