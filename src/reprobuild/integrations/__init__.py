"""Other tools that a capture can speak to: one thin module each, which alone imports the tool."""
