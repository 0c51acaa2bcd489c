package merchantgateway_test

import (
	"os"
	"testing"

	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

var cluster *testenv.Cluster

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, func(c *testenv.Cluster) { cluster = c }))
}
