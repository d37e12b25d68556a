package oracle_test

import (
	"slices"
	"testing"

	"github.com/gosegue/upgrade/internal/oracle"
)

type products = []oracle.Product

func TestUpgrade(t *testing.T) {
	tests := []struct {
		lines []string
		want  products
		fault oracle.Fault
	}{
		{nil, nil, oracle.Fault{}},
		{[]string{"websocket"}, products{{"websocket", ""}}, oracle.Fault{}},
		{[]string{"HTTP/2.0, IRC/6.9"}, products{{"HTTP", "2.0"}, {"IRC", "6.9"}}, oracle.Fault{}},
		{[]string{" ,\ta ,,", "", "b/1"}, products{{"a", ""}, {"b", "1"}}, oracle.Fault{}},
		{[]string{""}, nil, oracle.Fault{Error: "ErrNoElement"}},
		{[]string{",", " , \t"}, nil, oracle.Fault{Error: "ErrNoElement", Line: 1, Offset: 2}},
		{[]string{"a", "b, @"}, nil, oracle.Fault{Error: "ErrToken", Line: 1, Offset: 3}},
		{[]string{"/1"}, nil, oracle.Fault{Error: "ErrToken"}},
		{[]string{"foo/ "}, nil, oracle.Fault{Error: "ErrVersion", Offset: 4}},
		{[]string{"foo / 1"}, nil, oracle.Fault{Error: "ErrDelimiter", Offset: 4}},
		{[]string{"a/b/c"}, nil, oracle.Fault{Error: "ErrDelimiter", Offset: 3}},
		{[]string{"a  b"}, nil, oracle.Fault{Error: "ErrDelimiter", Offset: 3}},
		{[]string{"a\r\n b"}, nil, oracle.Fault{Error: "ErrDelimiter", Offset: 1}},
	}
	for _, test := range tests {
		got, fault := oracle.Upgrade(test.lines)
		if !slices.Equal(got, test.want) || fault != test.fault {
			t.Errorf("Upgrade(%q) = %v, %v, want %v, %v", test.lines, got, fault, test.want, test.fault)
		}
	}
}

func TestProductOnly(t *testing.T) {
	tests := []struct {
		text  string
		want  oracle.Product
		fault oracle.Fault
	}{
		{"a/1", oracle.Product{Name: "a", Version: "1"}, oracle.Fault{}},
		{"", oracle.Product{}, oracle.Fault{Error: "ErrToken"}},
		{"a/", oracle.Product{}, oracle.Fault{Error: "ErrVersion", Offset: 2}},
		{"a ", oracle.Product{}, oracle.Fault{Error: "ErrDelimiter", Offset: 1}},
		{"a/1,", oracle.Product{}, oracle.Fault{Error: "ErrDelimiter", Offset: 3}},
	}
	for _, test := range tests {
		got, fault := oracle.ProductOnly(test.text)
		if got != test.want || fault != test.fault {
			t.Errorf("ProductOnly(%q) = %v, %v, want %v, %v", test.text, got, fault, test.want, test.fault)
		}
	}
}

func TestConnection(t *testing.T) {
	tests := []struct {
		lines []string
		want  []string
		fault oracle.Fault
	}{
		{nil, nil, oracle.Fault{}},
		{[]string{", ,"}, nil, oracle.Fault{}},
		{[]string{"keep-alive", ",Upgrade "}, []string{"keep-alive", "Upgrade"}, oracle.Fault{}},
		{[]string{"a/1"}, nil, oracle.Fault{Error: "ErrDelimiter", Offset: 1}},
		{[]string{"a", "b c"}, nil, oracle.Fault{Error: "ErrDelimiter", Line: 1, Offset: 2}},
		{[]string{"\t;"}, nil, oracle.Fault{Error: "ErrToken", Offset: 1}},
	}
	for _, test := range tests {
		got, fault := oracle.Connection(test.lines)
		if !slices.Equal(got, test.want) || fault != test.fault {
			t.Errorf("Connection(%q) = %q, %v, want %q, %v", test.lines, got, fault, test.want, test.fault)
		}
	}
}

func TestOptions(t *testing.T) {
	options := []string{"Keep-Alive", "upgrade"}
	if !oracle.Has(options, "UPGRADE") || oracle.Has(options, "keep") || oracle.Has(options, "\u212Aeep-alive") {
		t.Error("Has does not compare whole tokens in any ASCII case")
	}
	if oracle.Persistent(nil, 1, 0) || !oracle.Persistent(nil, 1, 1) || !oracle.Persistent(options, 1, 0) || oracle.Persistent([]string{"close", "keep-alive"}, 1, 1) {
		t.Error("Persistent is not RFC 9112, section 9.3")
	}
}

func TestGateOrder(t *testing.T) {
	supported := products{{"h2c", ""}, {"websocket", ""}}
	tests := []struct {
		minor               int
		connection, offered []string
		want                string
		fault               oracle.Fault
	}{
		{1, []string{"Upgrade"}, []string{"WebSocket, H2C"}, "h2c", oracle.Fault{}},
		{0, []string{"@"}, nil, "", oracle.Fault{Error: "ErrHTTPVersion"}},
		{1, []string{"@"}, []string{", "}, "", oracle.Fault{Error: "ErrNoUpgrade"}},
		{1, []string{"@"}, []string{"@"}, "", oracle.Fault{Error: "ErrToken", Field: "Connection"}},
		{1, []string{"close"}, []string{"@"}, "", oracle.Fault{Error: "ErrNoOption"}},
		{1, []string{"Upgrade"}, []string{"a", " @"}, "", oracle.Fault{Error: "ErrToken", Field: "Upgrade", Line: 1, Offset: 1}},
		{1, []string{"Upgrade"}, []string{"websocket/13"}, "", oracle.Fault{Error: "ErrNotSupported"}},
	}
	for _, test := range tests {
		got, fault := oracle.Select(1, test.minor, test.connection, test.offered, supported)
		if got.Name != test.want || fault != test.fault {
			t.Errorf("Select(1.%d, %q, %q) = %v, %v, want %s, %v", test.minor, test.connection, test.offered, got, fault, test.want, test.fault)
		}
	}
}

func TestSwitched(t *testing.T) {
	offered := products{{"websocket", ""}}
	tests := []struct {
		status   int
		chosen   string
		products int
		fault    oracle.Fault
	}{
		{101, "WebSocket", 1, oracle.Fault{}},
		{101, "websocket, x", 0, oracle.Fault{Error: "ErrNotOffered"}},
		{101, "", 0, oracle.Fault{Error: "ErrNoUpgrade"}},
		{200, "websocket", 0, oracle.Fault{Error: "ErrStatus"}},
	}
	for _, test := range tests {
		got, fault := oracle.Switched(test.status, 1, 1, []string{"Upgrade"}, []string{test.chosen}, offered)
		if len(got) != test.products || fault != test.fault {
			t.Errorf("Switched(%d, %q) = %v, %v", test.status, test.chosen, got, fault)
		}
	}
}
