// Package corpustest converts cases of package corpus into the types of package oracle, so
// that tests can compare them. It is for tests only.
package corpustest

import (
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/oracle"
)

// Products returns the products of a case in the form of the oracle.
func Products(all corpus.Products) []oracle.Product {
	var products []oracle.Product
	for _, parts := range all {
		product := oracle.Product{Name: string(parts[0])}
		if len(parts) > 1 {
			product.Version = string(parts[1])
		}
		products = append(products, product)
	}
	return products
}

// Fault returns the fault of a case in the form of the oracle.
func Fault(f corpus.Fault) oracle.Fault {
	fault := oracle.Fault{Error: f.Error, Field: f.Field}
	if f.Line != nil {
		fault.Line, fault.Offset = *f.Line, *f.Offset
	}
	return fault
}
