// Package httpguts is as much of it as the tests of the analyzer name.
package httpguts

func HeaderValuesContainsToken(values []string, token string) bool { return false }
