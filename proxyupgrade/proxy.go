// Package proxyupgrade is the part of an intermediary in a switch, for net/http.
package proxyupgrade
