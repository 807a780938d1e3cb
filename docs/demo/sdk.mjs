// The SDK that is installed in this folder, for programs that live elsewhere (tests/integration).
import sdk from 'apache-flink-statefun';

export const {StateFun, messageBuilder, egressMessageBuilder} = sdk;
