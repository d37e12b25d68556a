package proxyupgrade_test

import (
	"testing"

	"github.com/gosegue/upgrade/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
