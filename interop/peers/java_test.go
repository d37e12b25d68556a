package peers

import (
	"path/filepath"
	"testing"
	"time"
)

func TestJava(t *testing.T) {
	t.Parallel()
	const install = "apt-get install openjdk-17-jdk-headless"
	java, javac := need(t, install, "java"), need(t, install, "javac")
	p := peer{"Java HttpClient", version(t, java, "-version")}
	source, err := filepath.Abs(filepath.Join("testdata", "Client.java"))
	if err != nil {
		t.Fatal(err)
	}
	classes := t.TempDir()
	compile := command(t, javac, "-J-XX:-UsePerfData", "-J-XX:TieredStopAtLevel=1", "-d", classes, source)
	if o := run(t, time.Minute, compile); o.code != 0 {
		t.Fatalf("javac: %s", o)
	}
	client := func(t *testing.T, urls ...string) outcome {
		t.Helper()
		// The first option keeps it from writing outside its folder, the other two make it start sooner.
		args := []string{"-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes, "Client"}
		return run(t, 30*time.Second, command(t, java, append(args, urls...)...))
	}
	p.scenario(t, "h2c, two requests on one connection", func(t *testing.T) {
		both(t, "h2c", func(t *testing.T, tap *tap) {
			o := client(t, "http://"+tap.address+"/x", "http://"+tap.address+"/y")
			equal(t, "outcome", o.String(), outcome{stdout: "HTTP_2 200 HTTP/2.0 hello GET /x 0 octets\nHTTP_2 200 HTTP/2.0 hello GET /y 0 octets\n"}.String())
			talk := h2cSwitched(t, tap.only(t))
			equal(t, "Content-Length", h2cLines(talk.request, "Content-Length"), []string{"0"})
			equal(t, "client over HTTP/2", talk.client, []string{`3: GET /y ""`})
			equal(t, "server over HTTP/2", talk.server, []string{
				`1: 200 "HTTP/2.0 hello GET /x 0 octets\n"`,
				`3: 200 "HTTP/2.0 hello GET /y 0 octets\n"`,
			})
		})
	})
	p.scenario(t, "websocket", func(t *testing.T) {
		both(t, "websocket", func(t *testing.T, tap *tap) {
			o := client(t, "ws://"+tap.address+"/x")
			equal(t, "outcome", o.String(), outcome{stdout: "got hi\nclosed 1000\n"}.String())
			r := tap.only(t).request(t)
			equal(t, "Content-Length", h2cLines(r, "Content-Length"), []string{"0"})
			equal(t, "options", h2cOptions(t, r), []string{"Upgrade"})
			equal(t, "offer", h2cOffer(t, r), []string{"websocket"})
		})
	})
}
