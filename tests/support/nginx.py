"""What every configuration of nginx begins with that a test runs as anybody, in a folder of its own."""

HEAD = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ }}
"""
HTTP = """
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
"""
"""Within `http`."""
