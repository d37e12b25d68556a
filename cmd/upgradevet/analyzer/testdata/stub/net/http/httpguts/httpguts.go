// Package httpguts declares the part of it that the tests of the analyzer use.
package httpguts

func HeaderValuesContainsToken(values []string, token string) bool { return false }
