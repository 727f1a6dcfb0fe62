# Installed as share/fish/vendor_completions.d/hbprobe.fish.
hbprobe completion fish | source
