module github.com/gosegue/upgrade

go 1.23

require (
	github.com/google/go-cmp v0.7.0
	github.com/valyala/bytebufferpool v1.0.0
)
