package proxyupgrade_test

import (
	"testing"

	"github.com/gosegue/upgrade/internal/h2test"
)

func TestMain(m *testing.M) { h2test.Main(m) }
