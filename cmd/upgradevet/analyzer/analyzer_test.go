package analyzer_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/gosegue/upgrade/cmd/upgradevet/analyzer"
)

// Each line of the packages in testdata says what is found on it, which is nothing in
// package good.
func TestFindings(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), analyzer.Analyzer, "./...")
}
