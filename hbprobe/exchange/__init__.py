"""Direct Push as Exchange and its clients practise it: settings, event 1040, devices, the verdict on a path."""
