module github.com/gosegue/upgrade/fasthttpupgrade

go 1.25.0

require (
	github.com/gosegue/upgrade v0.1.0
	github.com/valyala/bytebufferpool v1.0.0
	github.com/valyala/fasthttp v1.72.0
)

require (
	github.com/andybalholm/brotli v1.2.1 // indirect
	github.com/klauspost/compress v1.18.6 // indirect
)

replace github.com/gosegue/upgrade => ../
