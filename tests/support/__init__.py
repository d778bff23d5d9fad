"""What tests stand on: a scripted server, the four ways of calling, and processes of their own."""
