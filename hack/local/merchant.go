package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
)

// backend is a merchant's backend that verifies and counts what is delivered.
type backend struct {
	listener net.Listener
	server   *http.Server
	events   chan merchant.Delivery
}

// listenMerchant takes a port, so that the gateway can name it; serve answers on it.
func listenMerchant(ctx context.Context) (*backend, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for deliveries: %w", err)
	}
	return &backend{listener: listener, events: make(chan merchant.Delivery, 1024)}, nil
}

func (b *backend) url() string { return "http://" + b.listener.Addr().String() + "/d1/notifications" }

// serve begins to answer, verifying with the signing secret that the operator generated.
func (b *backend) serve(signingSecret string) error {
	handler, err := merchant.New(merchant.Options{
		Secrets: []string{signingSecret},
		OnDelivery: func(d merchant.Delivery) {
			select {
			case b.events <- d:
			default: // nobody has looked for a thousand deliveries
			}
		},
	})
	if err != nil {
		return fmt.Errorf("starting the merchant backend: %w", err)
	}
	b.server = &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(b.listener) }()
	return nil
}

// next is the next delivery.
func (b *backend) next(ctx context.Context) (merchant.Delivery, error) {
	select {
	case d := <-b.events:
		return d, nil
	case <-time.After(30 * time.Second):
		return merchant.Delivery{}, errors.New("nothing was delivered in 30 s")
	case <-ctx.Done():
		return merchant.Delivery{}, ctx.Err()
	}
}

func (b *backend) stop() {
	if b.server != nil {
		_ = b.server.Close()
	}
	_ = b.listener.Close()
}
