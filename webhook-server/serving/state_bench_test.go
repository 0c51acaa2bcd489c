package serving_test

import (
	"fmt"
	"log/slog"
	"strconv"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// fleet is a state that serves many gateways, and clients spread over them.
func fleet(b *testing.B, gateways, clients int) (*serving.State, *fixture.World) {
	b.Helper()
	base := fixture.New(b)
	state := serving.NewState(slog.New(slog.DiscardHandler))
	var updates []serving.Update
	for i := range gateways {
		name := "gateway-" + strconv.Itoa(i)
		gateway, secrets := *base.Gateway, *base.Secrets
		gateway.Name, secrets.Name = name, name
		gateway.GatewayID = fmt.Sprintf("MGW_%06d", i)
		gateway.Issuer = "https://d1.acme.example/merchant-gateways/" + gateway.GatewayID
		gateway.Hostnames = []string{name + ".example"}
		updates = append(updates, encode(b, &gateway), encode(b, &secrets))
	}
	for i := range clients {
		updates = append(updates, encode(b, nthClient(base, i, gateways, i)))
	}
	state.Apply(updates)
	if p := state.Problems(); len(p) > 0 {
		b.Fatal(p)
	}
	return state, base
}

// nthClient is a document of a client; two with different changes differ.
func nthClient(base *fixture.World, n, gateways, change int) *api.Client {
	client := *base.Client
	client.Name, client.ClientID = "client-"+strconv.Itoa(n), "id-"+strconv.Itoa(n)
	client.Gateway = "gateway-" + strconv.Itoa(n%gateways)
	client.Credentials = []api.Credential{fixture.Credential("id-"+strconv.Itoa(change), strconv.Itoa(change), fixture.Now())}
	return &client
}

var sizes = []struct{ gateways, clients int }{{1, 10}, {1000, 10_000}}

func BenchmarkApplyOneClientThatChanged(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%d gateways, %d clients", size.gateways, size.clients), func(b *testing.B) {
			state, base := fleet(b, size.gateways, size.clients)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				state.Apply([]serving.Update{encode(b, nthClient(base, 3, size.gateways, i+1_000_000))})
			}
		})
	}
}

func BenchmarkApplyOneGatewayThatChanged(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%d gateways, %d clients", size.gateways, size.clients), func(b *testing.B) {
			state, base := fleet(b, size.gateways, size.clients)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				gateway := *base.Gateway
				gateway.Name, gateway.Generation, gateway.Hostnames = "gateway-0", int64(i+2), []string{"gateway-0.example"}
				gateway.GatewayID, gateway.Issuer = "MGW_000000", "https://d1.acme.example/merchant-gateways/MGW_000000"
				state.Apply([]serving.Update{encode(b, &gateway)})
			}
		})
	}
}
