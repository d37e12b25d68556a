package page

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// This file knows the browser. It knows nothing of the page.

// patience is how long anything may take.
const patience = 30 * time.Second

// browser starts Chromium. Its process group ends with the test. Without Chromium the test
// is skipped, or fails with INTEROP=required.
func browser(t *testing.T, flags ...string) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		const message = "chromium is not installed: apt-get install chromium"
		if os.Getenv("INTEROP") == "required" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	// The name is short, because Chromium makes a socket in the directory.
	dir, err := os.MkdirTemp("", "page")
	if err != nil {
		t.Fatal(err)
	}
	var process *exec.Cmd
	t.Cleanup(func() {
		if process != nil && process.Process != nil {
			syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		}
		// A process of the group may still write for a moment.
		for range 100 {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Error(err)
	})
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.UserDataDir(filepath.Join(dir, "user")),
		chromedp.Env("HOME="+dir, "TMPDIR="+dir),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
			process = cmd
		}),
	}
	for _, flag := range append(flags,
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
		"disable-background-networking", "disable-component-update", "disable-sync",
	) {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a tab of the browser. The test fails if anything unexpected goes wrong in it.
type tab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // dialogs, exceptions, and what the console says of errors
}

// look is how a tab looks at the page.
type look struct {
	width, height int64
	dark          bool
}

// open opens a URL in a new tab, which is closed when the test ends.
func open(t *testing.T, browser context.Context, l look, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*patience)
	t.Cleanup(cancel)
	tab := &tab{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	tab.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
	tab.do(chromedp.EmulateViewport(l.width, l.height))
	tab.do(chromedp.Navigate(url))
	return tab
}

// hear notes what must not happen.
func (t *tab) hear(event any) {
	problem := ""
	switch e := event.(type) {
	case *cdppage.EventJavascriptDialogOpening:
		problem = "dialog: " + e.Message
	case *runtime.EventExceptionThrown:
		problem = fmt.Sprintf("exception: %+v", e.ExceptionDetails)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			problem = "console: " + e.Entry.Text + " " + e.Entry.URL
		}
	default:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if problem != "" {
		t.problems = append(t.problems, problem)
	}
}

// quiet fails if anything went wrong in the tab that does not contain one of expected.
func (t *tab) quiet(expected ...string) {
	t.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
next:
	for _, problem := range t.problems {
		for _, e := range expected {
			if strings.Contains(problem, e) {
				continue next
			}
		}
		t.Error(problem)
	}
}

func (t *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(t.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// eval returns the value of an expression, or of its promise.
func eval[T any](t *tab, expression string) T {
	t.Helper()
	v, err := chromedp.Run(t.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true.
func (t *tab) wait(expression string) {
	t.Helper()
	for end := time.Now().Add(patience); !eval[bool](t, "Boolean("+expression+")"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s; the page says\n%s", expression, eval[string](t, "document.body.innerText"))
		}
	}
}

// becomes waits until the value of the expression is want.
func (t *tab) becomes(expression string, want any) {
	t.Helper()
	text, _ := json.Marshal(want)
	t.wait("JSON.stringify(" + expression + ") === JSON.stringify(" + string(text) + ")")
}

// keys presses keys.
func (t *tab) keys(keys string, options ...chromedp.KeyOption) {
	t.Helper()
	t.do(chromedp.KeyEvent(keys, options...))
}

// screenshot keeps a picture of the whole page in the output folder, which git ignores.
func (t *tab) screenshot(name string) {
	t.Helper()
	picture, err := chromedp.Run(t.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if len(picture) < 10_000 {
		t.Errorf("a picture of %d bytes", len(picture))
	}
	dir := filepath.Join("..", "output", "page")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
