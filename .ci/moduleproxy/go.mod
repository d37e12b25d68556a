module github.com/gosegue/upgrade/.ci/moduleproxy

go 1.25.0

require golang.org/x/mod v0.33.0
