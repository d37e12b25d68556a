# The pipe of varnish's own documentation on WebSocket.
vcl 4.1;
backend default {
	.host = "{{.OriginHost}}";
	.port = "{{.OriginPort}}";
}
sub vcl_recv {
	if (req.http.upgrade) {
		return (pipe);
	}
	return (pass);
}
sub vcl_pipe {
	if (req.http.upgrade) {
		set bereq.http.upgrade = req.http.upgrade;
		set bereq.http.connection = req.http.connection;
	}
}
