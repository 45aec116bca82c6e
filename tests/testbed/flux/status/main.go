// kstatus prints what Flux takes the objects on its input for, a line each: Current, InProgress,
// Failed and so on, by the library that Flux has for it.
package main

import (
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/ssa/utils"
)

func main() {
	objects, err := utils.ReadObjects(os.Stdin)
	if err == nil && len(objects) == 0 {
		err = fmt.Errorf("there is no object")
	}
	for _, object := range objects {
		result, failed := status.Compute(object)
		if failed != nil {
			err = failed
			break
		}
		fmt.Println(result.Status)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
