package text

import "testing"

func TestASCII(t *testing.T) {
	if got, want := string(ASCII([]byte("\"a\u00e9\u212a\U0001f600\x7f\""))), `"a\u00E9\u212A\uD83D\uDE00\u007F"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
