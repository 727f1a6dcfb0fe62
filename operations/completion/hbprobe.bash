# Installed as share/bash-completion/completions/hbprobe, which bash-completion loads when hbprobe is completed first.
eval "$(hbprobe completion bash)"
