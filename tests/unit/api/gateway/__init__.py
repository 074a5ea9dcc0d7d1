"""The gateway, without sockets."""
