package adopting

import (
	"net/http/httputil"
	"net/url"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/proxyupgrade"
)

// A reverse proxy.

func proxyBefore(backend *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(backend) }}
}

func proxyAfter(backend *url.URL) *proxyupgrade.Proxy {
	return &proxyupgrade.Proxy{
		Reverse: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backend)
			r.Out.Host = r.In.Host // for a backend that compares it with Origin
		}},
		Products: []upgrade.Product[string]{webSocket},
	}
}
