package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// fleet is how much there is: so many clients on so many gateways.
type fleet struct {
	clients, gateways int
	// rest is how long the steady state is watched.
	rest time.Duration
}

// wholeFleet is what the figures are about.
func wholeFleet() fleet { return fleet{clients: 10000, gateways: 100, rest: 3 * time.Minute} }

const (
	// few is the number of clients that the whole fleet is compared with.
	few = 10
	// sampleNumber is the number of the client whose writes are recorded.
	sampleNumber = 99999
)

// creators is how many goroutines create resources at once, as a user with many of them would.
const creators = 16

// newGateway is the gateway with that number, of usual content.
func newGateway(i int) *v1alpha1.MerchantGateway {
	g := &v1alpha1.MerchantGateway{ObjectMeta: metav1.ObjectMeta{Namespace: tenant(i), Name: gatewayName(i)}}
	g.Spec.GatewayID = fmt.Sprintf("MGW_%06d", i)
	g.Spec.Merchants.Items = []v1alpha1.Merchant{{ID: merchantID(i)}}
	g.Spec.Delivery.URL = "https://vault.acme.example/d1/notifications"
	return g
}

func gatewayName(i int) string { return fmt.Sprintf("gateway-%05d", i) }

// newClient is the client with that number, whose secret the operator makes. It is of one of so many gateways. The names of any two have the
// same length: see replay.
func newClient(i, gateways int) *v1alpha1.OAuthClient {
	gateway := i % gateways
	c := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: tenant(gateway), Name: fmt.Sprintf("client-%05d", i)}}
	c.Spec.GatewayRef.Name = gatewayName(gateway)
	c.Spec.Credentials.SecretName = c.Name + "-credentials"
	return c
}

// inParallel calls f with the numbers from begin up to end, so many at a time, and stops at the first error.
func inParallel(ctx context.Context, begin, end, workers int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	next.Store(int64(begin))
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= end {
					return
				}
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}
