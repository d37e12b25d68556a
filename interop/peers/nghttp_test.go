package peers

import (
	"testing"
	"time"
)

func TestNghttp(t *testing.T) {
	t.Parallel()
	nghttp := need(t, "apt-get install nghttp2-client", "nghttp")
	p := peer{"nghttp", version(t, nghttp, "--version")}
	p.scenario(t, "h2c, GET", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			o := run(t, 20*time.Second, command(t, nghttp, "-u", "http://"+tap.address+"/x"))
			equal(t, "outcome", o.String(), outcome{stdout: "HTTP/2.0 hello GET /x 0 octets\n"}.String())
			talk := h2cSwitched(t, tap.only(t))
			equal(t, "method", string(talk.request.Method), "GET")
			equal(t, "client over HTTP/2", talk.client, []string{})
			equal(t, "server over HTTP/2", talk.server, []string{`1: 200 "HTTP/2.0 hello GET /x 0 octets\n"`})
		})
	})
	// nghttp upgrades with a request that has no content, and sends its content over HTTP/2.
	// Without --no-dep, streams that only carry priorities would make the POST stream 13.
	p.scenario(t, "h2c, OPTIONS * and then POST", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			content := writeFile(t, "content", "what nghttp sends")
			o := run(t, 20*time.Second, command(t, nghttp, "-u", "--no-dep", "-d", content, "http://"+tap.address+"/x"))
			equal(t, "outcome", o.String(), outcome{stdout: "HTTP/2.0 hello POST /x 17 octets\n"}.String())
			talk := h2cSwitched(t, tap.only(t))
			equal(t, "method", string(talk.request.Method), "OPTIONS")
			equal(t, "target", string(talk.request.Target), "*")
			equal(t, "client over HTTP/2", talk.client, []string{`3: POST /x "what nghttp sends"`})
			want := []string{
				`1: 200 "HTTP/2.0 hello OPTIONS * 0 octets\n"`,
				`3: 200 "HTTP/2.0 hello POST /x 17 octets\n"`,
			}
			if len(talk.server) == 1 {
				want = want[1:] // nghttp ends at the answer to the POST, even if it comes first
			}
			equal(t, "server over HTTP/2", talk.server, want)
		})
	})
}
