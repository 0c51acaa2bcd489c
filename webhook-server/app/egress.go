package app

import (
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
)

// transports makes what deliveries, look-ups and token requests go through.
func (o Options) transports() (*outbound.Transports, error) {
	options := outbound.Options{Guard: outbound.NewGuard(o.DeliveryAllow), Now: o.Now}
	if o.EgressProxy != nil {
		proxy, err := outbound.NewProxy(outbound.ProxyOptions{URL: o.EgressProxy, AuthorizationFile: o.EgressProxyAuthorizationFile})
		if err != nil {
			return nil, fmt.Errorf("--egress-proxy: %w", err)
		}
		options.Proxy = proxy
	}
	return outbound.NewTransports(options), nil
}
