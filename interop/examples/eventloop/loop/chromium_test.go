package loop

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Chromium opens the answer to an ordinary request as a page, so that its WebSocket has the
// same origin. The server then sends back messages of two sizes.
func TestChromium(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		const message = "chromium is not installed: apt-get install chromium"
		if os.Getenv("INTEROP") == "required" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	dir, err := os.MkdirTemp("", "loop")
	if err != nil {
		t.Fatal(err)
	}
	var process *exec.Cmd
	defer func() {
		if process != nil && process.Process != nil {
			syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		}
		// A process of the group may still write for a moment.
		for range 100 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.UserDataDir(dir),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
			process = cmd
		}),
	}
	for _, flag := range []string{"headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+startServer(t).Addr().String()+"/")); err != nil {
		t.Fatal(err)
	}
	const script = `new Promise((resolve) => {
		const sent = ["hello", "long".repeat(10000)], got = [];
		const socket = new WebSocket("ws://" + location.host + "/");
		socket.onopen = () => sent.forEach((text) => socket.send(text));
		socket.onmessage = (event) => {
			got.push(event.data === sent[got.length]);
			if (got.length === sent.length) socket.close(1000);
		};
		socket.onclose = (event) => resolve(got.join() + " " + event.code);
	})`
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil || strings.TrimSpace(got) != "true,true 1000" {
		t.Errorf("%q, %v", got, err)
	}
}
