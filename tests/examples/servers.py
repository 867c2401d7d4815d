"""Real servers for tests: nginx, Apache, lighttpd and tinyproxy, each a child of the test with a
configuration of its own in a folder of the test's."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PLACES = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
APACHE_MODULES = pathlib.Path("/usr/lib/apache2/modules")
LIMIT_S = 60


def free_ports(count):
    """Numbers that the kernel gives out now; they are free again when this returns."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


def certificates(folder):
    """Files NAME.pem and NAME.key, for the names in tests/support/certificates.sh."""
    folder.mkdir()
    subprocess.run(["sh", SOURCE / "tests" / "support" / "certificates.sh", folder], check=True)
    for key in folder.glob("*.key"):
        key.chmod(0o644)
    return folder


class Server:
    """A child that listens; stop() ends it."""

    def __init__(self, folder, command, port):
        folder.parent.chmod(0o755)  # servers give up being root
        folder.chmod(0o755)
        with open(folder / "output", "wb") as output:
            self.child = subprocess.Popen([str(c) for c in command], stdout=output, stderr=output)
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        try:
            self.wait(port)
        except BaseException:
            self.stop()
            raise

    def wait(self, port):
        """Until it listens. The limit of the test's runner ends a server that never does."""
        while True:
            if self.child.poll() is not None:
                told = "".join(f.read_text(errors="replace")[-2000:]
                               for f in (self.folder / "output", self.folder / "error.log")
                               if f.exists())
                raise AssertionError(f"{self.child.args} ended: {self.child.returncode}: {told}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def program(name, package):
    found = shutil.which(name, path=PLACES)
    if not found:
        raise AssertionError(f"no {name} here: install {package}")
    return found


def nginx(folder, site, keys=None, names=()):
    """A site in plain and on a unix socket, and on a port for each certificate in `names`; these
    are in `secure`."""
    folder.mkdir()
    port, *secure = free_ports(1 + len(names))
    blocks = "".join(f"""
      server {{ listen 127.0.0.1:{number} ssl; listen [::1]:{number} ssl; root {site};
                ssl_certificate {keys}/{name}.pem; ssl_certificate_key {keys}/{name}.key; }}"""
                     for name, number in zip(names, secure))
    (folder / "nginx.conf").write_text(f"""
    daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
    events {{ worker_connections 512; }}
    http {{
      access_log {folder}/access.log; default_type text/plain; sendfile on;
      gzip on; gzip_min_length 1; gzip_types text/plain;
      client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
      uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
      server {{
        listen 127.0.0.1:{port}; listen [::1]:{port}; listen unix:{folder}/socket; root {site};
        location = /moved {{ return 302 /small; }}
        location = /none {{ return 204; }}
        location = /cookie {{ add_header Set-Cookie "taste=sweet; Path=/"; return 302 /taste; }}
        location = /taste {{ return 200 "$cookie_taste"; }}
        location = /login {{ if ($http_authorization != "Basic YW5uOnNlY3JldA==") {{ return 401; }}
                             return 200 "hello"; }}
      }}
      {blocks}
    }}""")
    made = Server(folder, [program("nginx", "nginx-light"), "-c", folder / "nginx.conf",
                           "-p", folder, "-e", folder / "error.log"], port)
    made.secure = dict(zip(names, secure))
    made.socket = folder / "socket"
    return made


def apache(folder, site):
    """With gzip and brotli; /basic and /digest want (ann, secret)."""
    command = program("apache2", "apache2-bin")
    folder.mkdir()
    (port,) = free_ports(1)
    modules = ("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic",
               "auth_digest", "alias", "dir", "mime", "deflate", "brotli", "filter", "headers",
               "env", "setenvif")
    loads = "\n".join(f"LoadModule {m}_module {APACHE_MODULES}/mod_{m}.so" for m in modules
                      if (APACHE_MODULES / f"mod_{m}.so").exists())
    root = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
    (folder / "basic").write_text("ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
    (folder / "digest").write_text("ann:here:a0e5c6e967cb96af96e17a87f6a6ca1c\n")
    (folder / "httpd.conf").write_text(f"""
    ServerRoot {folder}
    {loads}
    {root}
    ServerName localhost
    Listen 127.0.0.1:{port}
    PidFile {folder}/pid
    ErrorLog {folder}/error.log
    DefaultRuntimeDir {folder}
    DocumentRoot {site}
    TypesConfig /dev/null
    StartServers 1
    <Directory {site}>
      Require all granted
    </Directory>
    <FilesMatch "^text">
      ForceType text/plain
      SetOutputFilter BROTLI_COMPRESS;DEFLATE
    </FilesMatch>
    Redirect 302 /moved /small
    <Location /basic>
      AuthType Basic
      AuthName here
      AuthUserFile {folder}/basic
      Require valid-user
    </Location>
    <Location /digest>
      AuthType Digest
      AuthName here
      AuthUserFile {folder}/digest
      Require valid-user
    </Location>
    """)
    return Server(folder, [command, "-d", folder, "-f", folder / "httpd.conf", "-DFOREGROUND"],
                  port)


def lighttpd(folder, site):
    folder.mkdir()
    (port,) = free_ports(1)
    (folder / "cache").mkdir()
    (folder / "lighttpd.conf").write_text(f"""
    server.modules = ("mod_redirect", "mod_deflate")
    server.document-root = "{site}"
    server.bind = "127.0.0.1"
    server.port = {port}
    server.errorlog = "{folder}/error.log"
    mimetype.assign = ("" => "text/plain")
    deflate.mimetypes = ("text/plain")
    deflate.allowed-encodings = ("gzip", "deflate")
    url.redirect = ("^/moved$" => "/small")
    url.redirect-code = 302
    """)
    return Server(folder, [program("lighttpd", "lighttpd"), "-D", "-f", folder / "lighttpd.conf"],
                  port)


def tinyproxy(folder, login=None, tunnels=()):
    """`tunnels`: the ports that CONNECT may reach."""
    folder.mkdir()
    (port,) = free_ports(1)
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "Allow 127.0.0.1",
             f'LogFile "{folder}/log"', f'PidFile "{folder}/pid"', "LogLevel Connect",
             "MaxClients 100", "ViaProxyName \"tiny\""]
    lines += [f"ConnectPort {number}" for number in tunnels]
    if login:
        lines.append(f"BasicAuth {login[0]} {login[1]}")
    (folder / "tinyproxy.conf").write_text("\n".join(lines) + "\n")
    made = Server(folder, [program("tinyproxy", "tinyproxy-bin"), "-d", "-c",
                           folder / "tinyproxy.conf"], port)
    made.place = f"127.0.0.1:{port}"
    return made


def write_site(folder):
    """What the sites hold: a name for each kind of file."""
    folder.mkdir()
    state = 12345
    noise = bytearray()
    for _ in range(300_000):
        state = state * 1103515245 + 12345 & 0x7fffffff
        noise.append(state >> 16 & 255)
    (folder / "noise").write_bytes(noise)
    (folder / "small").write_bytes(b"small\n")
    (folder / "empty").write_bytes(b"")
    (folder / "text").write_bytes(b"all work and no play makes a dull page\n" * 2000)
    (folder / "large").write_bytes(bytes(noise) * 40)
    (folder / "folder").mkdir()
    (folder / "folder" / "index.html").write_bytes(b"<p>index")
    for place in ("basic", "digest"):
        (folder / place).write_bytes(b"hello")
    for file in folder.rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))  # Apache's ETag of a new file soon changes
    return folder
