package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// A drawing is an SVG of plain shapes. Its white background makes it readable on a dark
// page.
type drawing struct {
	width, height float64
	body          strings.Builder
}

const (
	ours  = "#1f6feb"
	other = "#8c959f"
	ink   = "#24292f"
	faint = "#d0d7de"
)

// palette has a colour for each series.
var palette = []string{ours, "#bf3989", "#1a7f37", "#9a6700", other}

func (d *drawing) text(x, y float64, anchor, s string) {
	fmt.Fprintf(&d.body, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, html.EscapeString(s))
}

func (d *drawing) title(s string) {
	fmt.Fprintf(&d.body, "<text x=\"12\" y=\"24\" font-size=\"15\" font-weight=\"bold\">%s</text>\n", html.EscapeString(s))
}

func (d *drawing) line(x1, y1, x2, y2 float64, colour string, width float64) {
	fmt.Fprintf(&d.body, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"%g\"/>\n", x1, y1, x2, y2, colour, width)
}

func (d *drawing) bar(x, y, width, height float64, colour string) {
	fmt.Fprintf(&d.body, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, width, height, colour)
}

func (d *drawing) dot(x, y float64, colour string) {
	fmt.Fprintf(&d.body, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n", x, y, colour)
}

func (d *drawing) String() string {
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\" fill=\"%s\">\n"+
		"<rect width=\"%.0f\" height=\"%.0f\" fill=\"white\"/>\n%s</svg>\n", d.width, d.height, ink, d.width, d.height, d.body.String())
}

// scale maps values to a range of the drawing, by their logarithm.
type scale struct{ low, high, from, to float64 }

func (s scale) at(v float64) float64 {
	return s.from + (s.to-s.from)*(math.Log(v)-math.Log(s.low))/(math.Log(s.high)-math.Log(s.low))
}

// plain returns the name of a row without the backquotes of Markdown.
func plain(s string) string { return strings.ReplaceAll(s, "`", "") }

// plot draws each ratio as a dot on its spread. At 1, both take the same time.
func (s speed) plot() string {
	const left, right, top, step = 560, 940, 64, 20
	low, high := 0.1, 4.0
	for _, r := range s.Rows {
		low, high = min(low, r.Low), max(high, r.High)
	}
	low, high = low*0.9, high*1.1
	x := scale{low, high, left, right}
	d := &drawing{width: right + 30, height: top + step*float64(len(s.Rows)) + 16}
	d.title("Time of ours / time of the other (log scale): median and spread over link layouts")
	for _, tick := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10} {
		if tick < low || tick > high {
			continue
		}
		colour, width := faint, 1.0
		if tick == 1 {
			colour, width = ink, 1.5
		}
		d.line(x.at(tick), top-10, x.at(tick), d.height-12, colour, width)
		d.text(x.at(tick), top-16, "middle", fmt.Sprintf("%g", tick))
	}
	for i, r := range s.Rows {
		y := top + step*(float64(i)+0.5)
		d.text(left-12, y+4, "end", plain(r.Row))
		d.line(x.at(r.Low), y, x.at(r.High), y, ours, 2)
		d.dot(x.at(r.Ratio), y, ours)
	}
	return d.String()
}

// bars draws horizontal bars, scaled by the greatest value.
func bars(title string, rows []barRow) string {
	const left, right, top, step = 260, 760, 44, 24
	greatest := 0.0
	for _, r := range rows {
		greatest = max(greatest, r.value)
	}
	d := &drawing{width: right + 140, height: top + step*float64(len(rows)) + 12}
	d.title(title)
	at := func(v float64) float64 { return left + (right-left)*v/greatest }
	for i, r := range rows {
		y := top + step*float64(i)
		colour := other
		if r.ours {
			colour = ours
		}
		d.text(left-10, y+14, "end", r.name)
		d.bar(left, y+3, at(r.value)-left, step-8, colour)
		end := at(r.value)
		if r.high > 0 {
			d.line(at(r.low), y+10, at(r.high), y+10, ink, 1.5)
			end = max(end, at(r.high))
		}
		d.text(end+8, y+14, "start", r.label)
	}
	return d.String()
}

type barRow struct {
	name, label      string
	value, low, high float64 // low and high are the spread, or 0 if it is unknown
	ours             bool
}

func (c connections) plot() string {
	var rows []barRow
	for _, r := range c.Rows {
		rows = append(rows, barRow{r.Server, fmt.Sprintf("%.0f bytes", r.RSS), r.RSS, r.RSSLow, r.RSSHigh, strings.Contains(r.Server, "upgrade")})
	}
	return bars("Resident memory of a server per idle connection after the switch", rows)
}

func (t tunnels) plot() string {
	var rows []barRow
	for _, r := range t.Rows {
		if !strings.HasPrefix(r.What, "RSS") {
			continue
		}
		for i, v := range r.Values {
			rows = append(rows, barRow{name: t.Kinds[i], label: fmt.Sprintf("%.1f KiB", v), value: v, ours: strings.Contains(t.Kinds[i], "proxyupgrade")})
		}
	}
	return bars("Resident memory of a proxy per idle tunnel", rows)
}

// plot draws time against length, both by their logarithm: linear time is a line of slope
// one.
func (l lengths) plot() string {
	const left, right, top, bottom = 70, 620, 50, 400
	x, y := scale{math.Inf(1), 0, left, right}, scale{math.Inf(1), 0, bottom, top}
	var series []string
	for _, p := range l.Points {
		x.low, x.high = min(x.low, float64(p.Octets)), max(x.high, float64(p.Octets))
		y.low, y.high = min(y.low, p.NS), max(y.high, p.NS)
		if !slices.Contains(series, p.Series) {
			series = append(series, p.Series)
		}
	}
	y.low, y.high = y.low/1.5, y.high*1.5
	d := &drawing{width: 900, height: bottom + 50}
	d.title("Time against length of the field (both log scale)")
	for n := 1; n <= 1<<20; n *= 4 {
		if f := float64(n); f >= x.low && f <= x.high {
			d.line(x.at(f), top, x.at(f), bottom, faint, 1)
			d.text(x.at(f), bottom+18, "middle", octets(n))
		}
	}
	for ns := 1.0; ns < 1e9; ns *= 10 {
		if ns >= y.low && ns <= y.high {
			d.line(left, y.at(ns), right, y.at(ns), faint, 1)
			d.text(left-8, y.at(ns)+4, "end", duration(ns))
		}
	}
	d.text((left+right)/2, bottom+40, "middle", "octets")
	for i, name := range series {
		colour := palette[i%len(palette)]
		px, py := 0.0, 0.0
		for _, p := range l.Points {
			if p.Series != name {
				continue
			}
			qx, qy := x.at(float64(p.Octets)), y.at(p.NS)
			if px > 0 {
				d.line(px, py, qx, qy, colour, 2)
			}
			d.dot(qx, qy, colour)
			px, py = qx, qy
		}
		key := top + 20 + 22*float64(i)
		d.dot(right+24, key, colour)
		d.text(right+36, key+4, "start", name)
	}
	return d.String()
}

func octets(n int) string {
	if n >= 1<<10 {
		return fmt.Sprintf("%d Ki", n>>10)
	}
	return fmt.Sprint(n)
}

func duration(ns float64) string {
	if ns >= 1e6 {
		return fmt.Sprintf("%g ms", ns/1e6)
	}
	if ns >= 1e3 {
		return fmt.Sprintf("%g us", ns/1e3)
	}
	return fmt.Sprintf("%g ns", ns)
}
