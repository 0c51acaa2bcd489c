package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

// counts says how many requests of each kind, such as "PATCH oauthclients/status", the API server has answered. Those that it refused have
// the status at their end.
type counts map[string]int

// The lines of the API server's metrics.
var (
	requestsLine = regexp.MustCompile(`(?m)^apiserver_request_total\{([^}]*)\} ([0-9.e+]+)$`)
	labelPair    = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
)

// requests reads how many requests there have been so far.
func (c *cluster) requests(ctx context.Context) (counts, error) {
	text, err := c.metrics(ctx)
	if err != nil {
		return nil, err
	}
	return parseRequests(text)
}

// usage is what the API server itself has used so far.
func (c *cluster) usage(ctx context.Context) (usage, error) {
	text, err := c.metrics(ctx)
	if err != nil {
		return usage{}, err
	}
	return parseUsage(text)
}

func (c *cluster) metrics(ctx context.Context) ([]byte, error) {
	transport, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	text, err := fetch(ctx, transport, strings.TrimSuffix(c.config.Host, "/")+"/metrics")
	if err != nil {
		return nil, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	return text, nil
}

func parseRequests(text []byte) (counts, error) {
	all := counts{}
	for _, line := range requestsLine.FindAllSubmatch(text, -1) {
		labels := map[string]string{}
		for _, pair := range labelPair.FindAllSubmatch(line[1], -1) {
			labels[string(pair[1])] = string(pair[2])
		}
		number, err := strconv.ParseFloat(string(line[2]), 64)
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", line[0], err)
		}
		kind := labels["verb"] + " " + labels["resource"]
		if labels["subresource"] != "" {
			kind += "/" + labels["subresource"]
		}
		if !strings.HasPrefix(labels["code"], "2") {
			kind += " " + labels["code"]
		}
		all[kind] += int(number)
	}
	return all, nil
}

// since answers what has been added to before.
func (c counts) since(before counts) counts {
	added := counts{}
	for kind, n := range c {
		if n > before[kind] {
			added[kind] = n - before[kind]
		}
	}
	return added
}

// writes leaves out what changes nothing, and Leases: they are renewed all the time.
func (c counts) writes() counts {
	left := maps.Clone(c)
	maps.DeleteFunc(left, func(kind string, _ int) bool {
		parts := strings.Split(kind, " ") // verb, resource, and the status of those that were refused
		return len(parts) > 2 || parts[1] == "leases" || !slices.Contains(changing(), parts[0])
	})
	return left
}

// changing are the verbs of requests that change something.
func changing() []string {
	return []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "APPLY", "DELETECOLLECTION"}
}

func (c counts) total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// String lists the counts in a line, in order.
func (c counts) String() string {
	var b bytes.Buffer
	for i, kind := range slices.Sorted(maps.Keys(c)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", kind, c[kind])
	}
	return b.String()
}

// quiet waits until the API server has been asked to write nothing but Leases for that long, and answers the counts then.
func (c *cluster) quiet(ctx context.Context, long time.Duration) (counts, error) {
	last, err := c.requests(ctx)
	if err != nil {
		return nil, err
	}
	for since := time.Now(); time.Since(since) < long; {
		if !pause(ctx, long/10) {
			return nil, ctx.Err()
		}
		now, err := c.requests(ctx)
		if err != nil {
			return nil, err
		}
		if len(now.since(last).writes()) > 0 {
			since = time.Now()
		}
		last = now
	}
	return last, nil
}

// refused is how many were answered with an error, those aside that asked for what was not there.
func (c counts) refused() int {
	total := 0
	for kind, n := range c {
		parts := strings.Split(kind, " ")
		if len(parts) > 2 && parts[2] != strconv.Itoa(http.StatusNotFound) {
			total += n
		}
	}
	return total
}
