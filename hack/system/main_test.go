// Package system tests the operator and servers together, on a real API server: what is true only of both.
package system

import (
	"context"
	"fmt"
	"os"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/d1gateway/d1gateway/controllers/operator"
	"github.com/d1gateway/d1gateway/hack/apiserver"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
)

// control is the API server of this package's tests.
var control struct {
	config *rest.Config
	client client.WithWatch
}

// database is the PostgreSQL server of this package's tests: the servers of one test share a database.
var database *pgtest.Server

func TestMain(m *testing.M) {
	os.Exit(withPostgres(m))
}

func withPostgres(m *testing.M) int {
	var err error
	if database, err = pgtest.New(context.Background(), pgtest.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := withAPIServer(m)
	if err := database.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func withAPIServer(m *testing.M) int {
	return apiserver.Main(m, func(_ context.Context, _ *envtest.Environment, config *rest.Config) error {
		scheme, err := operator.NewScheme()
		if err != nil {
			return err
		}
		control.config = config
		control.client, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
		return err
	})
}
