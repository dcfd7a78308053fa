"""From text to messages: parsing, upgrading, binding."""
