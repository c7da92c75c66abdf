import pandas as pd
import numpy as np
STATE={'df':pd.DataFrame({'p':np.arange(10.0),'q':np.arange(10.0)})}
def unit(i):
    STATE['df']=pd.concat([STATE['df'],pd.DataFrame({'p':np.ones(900),'q':np.ones(900)})],ignore_index=True) #C
