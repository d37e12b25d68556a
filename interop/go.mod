module github.com/gosegue/upgrade/interop

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/gobwas/httphead v0.1.0
	github.com/gobwas/ws v1.5.0
	github.com/google/go-cmp v0.7.0
	github.com/gorilla/websocket v1.5.3
	github.com/gosegue/upgrade v0.1.0
	github.com/lxzan/gws v1.8.9
	github.com/valyala/fasthttp v1.72.0
	golang.org/x/net v0.62.0
)

require (
	github.com/andybalholm/brotli v1.2.1 // indirect
	github.com/dolthub/maphash v0.1.0 // indirect
	github.com/klauspost/compress v1.18.6 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/gosegue/upgrade => ../
