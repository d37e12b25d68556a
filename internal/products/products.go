// Package products removes repetitions from a list of products before it is sent.
package products

import "github.com/gosegue/upgrade"

// Distinct returns the products of list in their order, each once and in the spelling that
// comes first, without the zero Product. It returns list itself, and allocates nothing, if
// there is nothing to remove.
func Distinct(list []upgrade.Product[string]) []upgrade.Product[string] {
	for i, p := range list {
		if p.IsZero() || among(p, list[:i]) {
			distinct := append(make([]upgrade.Product[string], 0, len(list)), list[:i]...)
			for _, p := range list[i+1:] {
				if !p.IsZero() && !among(p, distinct) {
					distinct = append(distinct, p)
				}
			}
			return distinct
		}
	}
	return list
}

func among(p upgrade.Product[string], list []upgrade.Product[string]) bool {
	for _, q := range list {
		if p.Matches(q) {
			return true
		}
	}
	return false
}
