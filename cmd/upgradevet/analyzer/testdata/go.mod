module example.com/vetted

go 1.25.0

require (
	github.com/gosegue/upgrade v0.0.0
	github.com/valyala/fasthttp v0.0.0
	golang.org/x/net v0.0.0
)

require github.com/valyala/bytebufferpool v1.0.0 // indirect

replace (
	github.com/gosegue/upgrade => ../../../..
	github.com/valyala/fasthttp => ./stub/fasthttp
	golang.org/x/net => ./stub/net
)
