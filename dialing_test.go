package upgrade_test

import (
	"os"
	"strings"
	"testing"
)

// The code in docs/dialing.md is copied from the examples, which are compiled and run.
func TestCodeInDialingIsFromExamples(t *testing.T) {
	var examples string
	for _, file := range []string{"netupgrade/example_client_test.go", "httpupgrade/example_client_test.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples += string(text)
	}
	text, err := os.ReadFile("docs/dialing.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```go\n")[1:]
	if len(blocks) != 4 {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		// One function at a time: in the file, other code may lie between two of them.
		for _, function := range strings.Split(code, "\n}\n") {
			if function = strings.Trim(function, "\n"); !strings.Contains(examples, function) {
				t.Errorf("not in the examples:\n%s", function)
			}
		}
	}
}
