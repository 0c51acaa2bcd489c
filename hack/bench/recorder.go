package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// request is one that the operator has made of the API server.
type request struct {
	method, path, query, contentType string
	body                             []byte
	// status is what the API server answered.
	status int
}

// wrote says whether the request changed something, Leases aside: they are renewed all the time.
func (r request) wrote() bool {
	return r.method != http.MethodGet && r.status >= http.StatusOK && r.status < http.StatusMultipleChoices && !strings.Contains(r.path, "/leases")
}

// kind is the request without what tells one object from another.
func (r request) kind() string {
	parts := strings.Split(strings.Trim(r.path, "/"), "/")
	if len(parts) > 0 && parts[0] == "api" { // the core group has no name
		parts = parts[1:]
	} else if len(parts) > 1 {
		parts = parts[2:]
	}
	if len(parts) > 0 {
		parts = parts[1:] // the version
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	if len(parts) == 0 { // discovery
		return r.method + " " + r.path
	}
	verb := r.method
	switch {
	case r.contentType == applyType || r.contentType == applyCBORType:
		verb = "APPLY"
	case r.method == http.MethodGet && len(parts) < 2:
		verb = "LIST"
	}
	if len(parts) > 2 {
		return verb + " " + parts[0] + "/" + parts[2]
	}
	return verb + " " + parts[0]
}

const (
	applyType     = "application/apply-patch+yaml"
	applyCBORType = "application/apply-patch+cbor"
)

// recorder passes requests on to the API server and keeps what they were.
type recorder struct {
	kubeconfig string

	mu  sync.Mutex
	all []request
}

// record starts one. Its kubeconfig leads to it. It ends with the session.
func record(ctx context.Context, s *session, c *cluster) (*recorder, error) {
	transport, err := rest.TransportFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	target, err := url.Parse(c.config.Host)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's address: %w", err)
	}
	r := &recorder{kubeconfig: c.path("recorder.kubeconfig")}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(p *httputil.ProxyRequest) { p.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // watches
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, incoming *http.Request) {
		body, err := io.ReadAll(incoming.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		incoming.Body = io.NopCloser(bytes.NewReader(body))
		one := request{method: incoming.Method, path: incoming.URL.Path, query: incoming.URL.RawQuery, contentType: incoming.Header.Get("Content-Type"), body: body}
		if strings.Contains(one.query, "watch=true") {
			proxy.ServeHTTP(w, incoming)
			return
		}
		answer := &statusWriter{ResponseWriter: w}
		proxy.ServeHTTP(answer, incoming)
		one.status = answer.status
		r.add(one)
	})
	listening, err := listenAndServe(ctx, handler)
	if err != nil {
		return nil, err
	}
	s.cleanup(listening.stop)
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: \"http://%s\"}}]\ncontexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n", listening.address)
	if err := os.WriteFile(r.kubeconfig, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("writing the recorder's kubeconfig: %w", err)
	}
	return r, nil
}

func (r *recorder) add(one request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
}

// take answers what has been answered, watches aside, and begins anew.
func (r *recorder) take() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.all
	r.all = nil
	return taken
}

// statusWriter keeps the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader keeps the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the answer be flushed.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// count answers how many of each kind there are.
func count(all []request) counts {
	c := counts{}
	for _, one := range all {
		c[one.kind()]++
	}
	return c
}
