package outbound

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// way notes how far a request that goes through the proxy has come, so that a request whose time was over is put down to whom it waited for.
type way struct {
	// request is the request's own context: net/http dials under another one, without its deadline.
	request context.Context
	stage   atomic.Int32
}

// The stages of a way, in order.
const (
	beforeProxy int32 = iota
	atProxy           // the proxy is dialled, or has not answered CONNECT
	pastProxy         // there is a connection to the destination, new or used before
)

type wayKey struct{}

// proxied answers a context that notes how far its request comes: itself when it does so already.
func proxied(ctx context.Context) (context.Context, *way) {
	if w, ok := ctx.Value(wayKey{}).(*way); ok {
		return ctx, w
	}
	w := &way{request: ctx}
	ctx = context.WithValue(ctx, wayKey{}, w)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { w.reached(pastProxy) }}), w
}

// wayOf answers the way of the request that a connection is dialled for.
func wayOf(ctx context.Context) *way {
	if w, ok := ctx.Value(wayKey{}).(*way); ok {
		return w
	}
	return &way{request: ctx}
}

// reached never steps back: a request may get another connection while its own is being dialled.
func (w *way) reached(stage int32) {
	for now := w.stage.Load(); now < stage && !w.stage.CompareAndSwap(now, stage); now = w.stage.Load() {
	}
}

// waitsForProxy says whether the request waits for the proxy. A nil way goes through none.
func (w *way) waitsForProxy() bool { return w != nil && w.stage.Load() == atProxy }
